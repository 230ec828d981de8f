"""What headers say, in the languages of the dumps."""

from __future__ import annotations

import pytest

from cloakroom.claims.concepts import Concept, concept_of_header

HEADERS = {
    Concept.RECORD_ID: "顧客番号 会員ID 客户编号 고객번호 Kundnummer Customer_# cust_no ID customer_id _id",
    Concept.NAME: "氏名 姓名 이름 ФИО Namn full_name display_name Имя_и_фамилия Ad_Soyad",
    Concept.GIVEN_NAME: "Имя Imię Jméno First FirstName Prénom Förnamn",
    Concept.FAMILY_NAME: "Фамилия Nazwisko Příjmení Last lname Efternamn Soyadı",
    Concept.EMAIL: "メールアドレス 邮箱 이메일 Эл.почта E-posta mail Email contact.email[0]",
    Concept.PHONE: "電話番号 携帯電話 手机号 휴대폰 Телефон Мобильный Cell_Phone tel contact.phones[1].number",
    Concept.BIRTH_DATE: "生年月日 생년월일 Дата_рождения Data_urodzenia DOB person.born Doğum_Tarihi",
    Concept.COUNTRY: "国 Страна Kraj Země Ülke Country home.land",
    Concept.CITY: "市区町村 城市 Город Miasto Město Şehir home.town",
    Concept.STORE: "店舗 门店 Магазин Sklep Home_Store shop",
    Concept.TOTAL_SALES: "累計購入額 消费总额 Сумма_покупок Lifetime_Spend LTV stats.spent Obrót",
    Concept.TIMESTAMP: "更新日時 Изменён Last_Updated Member_Since created_at",
    Concept.OTHER: "担当 Удалён Record_Status password Company notes",
}


@pytest.mark.parametrize(
    ("header", "concept"), [(header, concept) for concept, line in HEADERS.items() for header in line.split()]
)
def test_a_header_is_understood(header, concept) -> None:
    assert concept_of_header(header if header.startswith("_") else header.replace("_", " ")) is concept
    assert header == "_id" or concept_of_header(header) is concept
